"""What must hold before any code runs: policies, pins, owners and permissions, and the very bytes that were checked."""
