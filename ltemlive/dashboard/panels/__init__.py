"""The parts of the window. Each draws what it is given and tells what the user did."""
