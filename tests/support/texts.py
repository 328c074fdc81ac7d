"""Two small documents."""

BRIDGE = """\
The old stone bridge over the Lune was finished by the mason Thomas Reed in the summer of 1784, after years of work.

Margaret Doyle, the owner of the quarry near Wexham, sent two hundred carts of granite and was never paid for them.
"""
MILL = """\
# The mill

The water mill at Ashford ground barley for eleven villages until the flood of 1801 carried its wheel away.

## Afterwards

A steam engine from Leeds replaced the wheel, and the miller complained for years about the price of coal.
"""
