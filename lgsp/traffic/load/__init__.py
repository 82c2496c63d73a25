"""Load on purpose: calls at times that were decided beforehand, and an honest account of how they went.

arrivals --due--> generator --call--> whoever answers
                      └--> account: from due (response), from send (service), from due to send (lag)
"""
