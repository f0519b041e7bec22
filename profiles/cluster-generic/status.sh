#!/usr/bin/env bash
# What Snakemake wants to know of a SLURM job: running, success or failed. squeue keeps finished jobs for MinJobAge (300 s);
# of one that it has forgotten sacct may know. A scheduler that doesn't answer is no failure of the job.
answer=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>&1)
if [ -z "$answer" ] || [[ $answer == *"Invalid job id"* ]]; then
    answer=$(sacct --noheader --parsable2 --allocations --format=State --jobs="$1" 2>/dev/null)
    [ -n "$answer" ] || answer=FORGOTTEN
fi
case "$answer" in
    COMPLETED*) echo success ;;
    FAILED* | CANCELLED* | TIMEOUT* | OUT_OF_MEMORY* | NODE_FAIL* | BOOT_FAIL* | DEADLINE* | PREEMPTED* | FORGOTTEN) echo failed ;;
    *) echo running ;;
esac
