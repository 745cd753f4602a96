"""What came of a campaign: findings named, tried again, kept, and written as programs that show them."""
