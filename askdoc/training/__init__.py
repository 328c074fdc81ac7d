"""How the bundled weights are made. Imports PyTorch; nothing else in askdoc imports it.

The reader, in the order of its making:

    batches     examples → windows with soft span targets → padded batches of like length
    negatives   answerable questions → unanswerable ones
    mixture     which sets, how many questions of each, how many made unanswerable
    stream      rounds of the mixture as an endless stream of batches, with places to go on from
    network     the network as it is trained, its float32 weights and their moving average (dropout: its fast dropout)
    schedule    how far a run is, and its learning rate
    run         a training run in its folder, stopped and continued; the embedder's too
    reader      the reader's run and its command line
    measure     EM and F1 of a model folder
    self_label  more questions, from retrieval sets, marked by a reader
    retrieved   what askdoc itself finds for the training questions (groups: training on several passages together)
    teacher     a larger network that reads the same word pieces (distill: its answers as targets)

and what ships it: `export_onnx`, `parity`, and `askdoc calibrate`, which fits the confidence.

    python -m askdoc.training.reader DATA_FOLDER --from MODEL_FOLDER --out RUN_FOLDER --tokens 10e6
    python -m askdoc.training.measure RUN_FOLDER/best DATA_FOLDER/dev/squad_v2.0_dev_a.json.gz

DATA_FOLDER holds SQuAD-format sets in `train/` and `dev/`; MODEL_FOLDER a
BertForQuestionAnswering.
"""
