"""What operators do with hosts: drain them, bring them back, even them out. A client of the cloud's REST APIs.

Owns no table and no state: what was done is seen in the cloud, so that whoever is interrupted just begins again.
Needs an administrator's credentials; runs in the command line's own process.
"""
