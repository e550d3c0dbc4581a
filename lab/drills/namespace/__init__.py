"""Changes the network of one part of the lab, inside its own network namespace: a helper container, rules, healing."""
