"""How far the method can be trusted with data like the user's: simulated, analysed, compared."""
