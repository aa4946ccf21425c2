"""What happens on one host: the daemon, its engine, its doors and its adapters to the world."""
