"""Where frames come from: a watched folder, a socket, a recording."""
