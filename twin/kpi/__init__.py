"""KPIs as pure functions of the ledger, their intervals, and gates on them."""
