"""What pre-training and fine-tuning share: checkpoints, mixed precision, events, reading ahead."""
