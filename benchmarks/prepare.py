"""Make everything that rows keep between runs: large projects, and other tools filled with traces.

Rows make what is missing by themselves; made beforehand, the time of a run is that of measuring.
"""

from benchmarks import (
    annotate,
    exports,
    grouping_data,
    lists,
    measure,
    postgres,
    row,
    served,
    start,
)
from benchmarks.tools_beside import ALTERNATIVES, filled


def main() -> None:
    """Make what is missing, and say where the time goes."""
    asked = row.parser(__doc__).parse_args()
    form = asked.form
    for size in sorted({*lists.SIZES[form], *annotate.SIZES[form], start.SIZES[form]}):
        print(served.kept(asked, size), flush=True)
    print(exports.labelled(asked, exports.SIZES[form]), flush=True)
    print(grouping_data.banking77().name, flush=True)
    for other in ALTERNATIVES:
        try:
            with row.scratch(other.package) as folder:
                print(filled(other, asked, folder)[1].name, flush=True)
        except measure.NotInstallable as error:
            print(f"{other.name} cannot be installed here: {error}", flush=True)
    with postgres.cluster(asked.data / "postgres") as server:
        print(postgres.large(server, postgres.SIZES[form], postgres.STEPS[form]), flush=True)


if __name__ == "__main__":
    main()
