"""The dealership task pack: tasks that repair and measure car dealers' sites."""
