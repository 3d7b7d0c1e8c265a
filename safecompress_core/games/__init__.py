"""Games: ground truth, play, measures and controls of the attacks, whatever they are after."""
