"""`python -m acmidm_sandbox.beheerportaal.mail FOLDER`: the mails that a portal received, newest
first, as JSON."""

import json
import sys
from pathlib import Path

from acmidm_sandbox.beheerportaal.mail.received import received_mails

if __name__ == "__main__":
    received = received_mails(Path(sys.argv[1]))
    json.dump([mail.model_dump(mode="json", exclude_none=True) for mail in received], sys.stdout)
