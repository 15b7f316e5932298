"""AI models compared: rates, paired tests, ranks, rules, and flaws that run through a model's apps."""
