"""Gold: analytic tables made of silver, each rebuilt whole when its inputs or its code changed."""
