"""``make demo``: the story on the embedded authority of stack ``tni``, which must run."""

import os
import sys
from pathlib import Path

from components.authorities.errors import AuthorityError
from components.model.form import Platform
from components.settings import stack_settings
from demo.story import Story, StoryFailed
from toolchain.environment import variables

platform = stack_settings("tni", Path()).platforms[Platform.ACMIDM]
key_file = platform.operator_private_key_file
if key_file is None:
    sys.exit("stack tni has no acmidm:operatorPrivateKeyFile; the demo needs the embedded authority: run make up first")
story = Story(
    folder=Path(".local/demo").absolute(),
    origin=str(platform.management_url).removesuffix("/management/v1"),
    operator=platform.operator_client_id,
    operator_key_file=key_file.absolute(),
    environment={**os.environ, **variables()},
)
try:
    story.tell()
except (AuthorityError, StoryFailed) as error:
    sys.exit(f"the demo stopped: {error}")
