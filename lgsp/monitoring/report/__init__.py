"""The report of a period: numbers in, a document out, and the document in five forms."""
