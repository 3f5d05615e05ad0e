"""The subcommands of `parity`: each module has HELP, add_arguments(parser) and run(arguments)."""
