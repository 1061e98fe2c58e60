"""What people see: options and their help, progress, tables, pictures and errors. Uses no other package of this one."""
