"""What a run would measure and take, told before anything is loaded."""
