"""Networks as chains of links: definition, execution and cost."""
