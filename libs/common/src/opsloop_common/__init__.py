"""Contracts and plumbing that every OpsLoop service shares. It knows no service and no chat product."""
