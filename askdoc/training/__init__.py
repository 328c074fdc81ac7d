"""How the bundled weights are made. Imports PyTorch; nothing else in askdoc imports it.

    encoder     multilingual-e5-small, out of the package that carries it: what every reader begins from
    batches     examples → cropped passages → windows with soft span targets → padded batches of like length
    negatives   answerable questions → unanswerable ones
    mixture     which sets, how many questions of each, how many made unanswerable
    stream      rounds of the mixture as an endless stream of batches, with places to go on from
    network     the network in training, its weights, their moving average, their files (dropout: a fast dropout)
    schedule    how far a run is, and its learning rate
    run         a training run in its folder, stopped and continued
    reader      its command line
    measure     EM and F1 of a reader
    average     the mean of several readers' weights
    retrieved   what askdoc itself finds for the training questions (groups: training on several passages together)
    distill     a larger reader's answers as targets

and what ships it: `export_onnx`, `parity`, and `askdoc calibrate`, which fits the confidence.

    python -m askdoc.training.encoder ENCODER_FOLDER
    python -m askdoc.training.reader DATA_FOLDER --encoder ENCODER_FOLDER --out RUN_FOLDER --tokens 20e6
    python -m askdoc.training.measure ENCODER_FOLDER RUN_FOLDER/best DATA_FOLDER/dev/squad_v2.0_dev_a.json.gz

DATA_FOLDER holds SQuAD-format sets in `train/` and `dev/`. A reader's folder holds all of its weights but the word
table, which is the encoder's and is not trained.
"""
