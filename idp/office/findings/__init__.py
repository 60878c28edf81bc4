"""What is wrong with this node, each finding with an id and a remedy: for operators, who may not know the code."""
