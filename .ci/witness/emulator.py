"""MiniStack as `deployer local` starts it, but for one thing: an update takes as long as in the simulator."""

from ministack.services import lambda_svc

lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 2  # seconds: `update_takes` of the recorded sequences

from gate import app  # noqa: E402, F401
