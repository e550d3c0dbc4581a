"""What Holdfast is made of: `make audit` looks for known holes in it, `make sbom` lists it."""
