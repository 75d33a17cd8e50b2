"""From a model folder or hub id to a loaded checkpoint, from a sample to tokens and named regions."""
