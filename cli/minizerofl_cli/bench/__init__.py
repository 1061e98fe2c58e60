"""`minizerofl bench`: how fast sparse training is on this machine, against dense training and against PyTorch."""
