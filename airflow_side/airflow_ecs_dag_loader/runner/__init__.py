"""What runs a task: one ECS task, started once, watched to its end, its lines shown, its container judged."""
