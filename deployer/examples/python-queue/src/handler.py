"""Sums the numbers of a batch of jobs. A job `{"check": true}` is a deployer's: it changes nothing."""

import json


def handle(event, context):
    jobs = [json.loads(record["body"]) for record in event["Records"]]
    real = [job for job in jobs if not job.get("check")]
    return {"done": len(real), "sum": sum(job["number"] for job in real)}
