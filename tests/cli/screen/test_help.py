"""Help in sections, and options that suggest the nearest name."""

import click
from click.testing import CliRunner

from minizerofl_cli.screen.help import SectionCommand, one_of, section


def _command() -> click.Command:
    @click.command(cls=SectionCommand)
    @section("Second")("--two", **one_of(("alpha", "beta")))
    @section("First")("--one", help="One.")
    @section("Second")("--three", help="Three.")
    def command(**options: object) -> None:
        click.echo(str(options["two"]))

    return command


def test_sections_in_order_of_declaration():
    text = CliRunner().invoke(_command(), ["--help"]).output
    titles = [line for line in text.splitlines() if line.endswith(":") and not line.startswith("Usage")]
    assert titles == ["Second:", "First:", "Other:"]
    assert text.index("--two") < text.index("--three") < text.index("First:") < text.index("--one")


def test_a_known_name_is_taken():
    assert CliRunner().invoke(_command(), ["--two", "beta"]).output == "beta\n"
    assert CliRunner().invoke(_command(), []).output == "None\n"


def test_the_nearest_name_is_suggested():
    result = CliRunner().invoke(_command(), ["--two", "alfa"])
    assert result.exit_code == 2
    assert "did you mean 'alpha'? Known: alpha, beta." in result.output


def test_nothing_is_suggested_for_a_far_name():
    assert "did you mean" not in CliRunner().invoke(_command(), ["--two", "xyz"]).output
