"""Pre-training of SpliceBERT by masked-language modelling, on two CPU cores or many GPUs.

transcripts -> corpus (one byte a nt, memory-mapped) -> fragments -> packed batches -> steps.
The batch of a step is a function of the seed and the step alone: neither the number of processes
nor gradient accumulation nor a restart changes what is learnt (beyond rounding). Nothing here
imports torch before it is used, since Snakemake checks runs each time it builds the workflow.
"""
