"""How often an engine errs, measured as ISO/IEC 19795-1 has it: who is compared with whom, the rates, a report."""
