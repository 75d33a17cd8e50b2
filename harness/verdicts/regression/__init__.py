"""What changed inside: a checkpoint's curves against those of an accepted one."""
