"""What Locust runs: sessions as generators, RawSocketUser and its blocking client."""
