#!/usr/bin/env bash
# Measure the findings on a Slurm cluster, each shard an array task on one GPU; then judge anywhere.
#
#   cd <the suite's checkout, on a file system that all nodes share>
#   sbatch --array=1-8 harness/session/drivers/slurm.sh --checkpoint=llava-1.5-7b --dataset=DIR --images=DIR
#   pytest findings --checkpoint=llava-1.5-7b --dataset=DIR --images=DIR --device=cuda
#
# The array's size is the number of shards; number it from 1. What follows the script goes to pytest: give
# the judging run the same options, or it will not find what was measured. It measures nothing if all tasks
# ended with exit status 0. A task that is killed or pre-empted is queued again and measures what it still
# lacks. `sbatch --array=3 --export=ALL,SHARDS=8 ...` repeats one of them by hand. `python -m
# harness.evidence verify` checks the store.
#
#SBATCH --job-name=findings
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --gres=gpu:1
#SBATCH --mem=48G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --output=findings-%A_%a.log
set -euo pipefail

shards=${SHARDS:-${SLURM_ARRAY_TASK_COUNT:?start it with sbatch --array=1-N}}
shard=${SLURM_ARRAY_TASK_ID:?start it with sbatch --array=1-N}
device=cpu
if [ -n "${CUDA_VISIBLE_DEVICES:-}" ]; then device=cuda; fi

measure() {
    python -m pytest findings --device="$device" "$@" --measure-only --shard="$shard/$shards" -p no:cacheprovider
}

status=0
measure "$@" || status=$?
# 128 and more: a signal ended it. That is worth another go, at most three in all; no other status is.
if [ "$status" -ge 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 2 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$shard"
fi
exit "$status"
