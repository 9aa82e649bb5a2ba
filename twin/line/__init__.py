"""The line: discrete events whose only output is a ledger."""
