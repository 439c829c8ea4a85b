"""The middle: readings of the whole store in, pandera-validated tables out; each measurement once, every gap named."""
