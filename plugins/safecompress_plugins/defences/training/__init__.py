"""Defences that change the loss, the batch or the step."""
