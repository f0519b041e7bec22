"""Fine-tuning for token and sequence classification, fold by fold."""
