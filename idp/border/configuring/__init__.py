"""What a checkpoint's gates are told to do: shown in words, changed by two officers, closed by one."""
