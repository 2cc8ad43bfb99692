"""Messages per hour and the time until they are read, from the topic of events: an example to take from."""
