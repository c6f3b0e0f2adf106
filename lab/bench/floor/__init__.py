"""What nobody can do without: the bare passes of the network, decoding and detecting, without a server around them."""
