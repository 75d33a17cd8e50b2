"""How a claim is judged: trees of statements about mean curves, multipliers over images, looks.

The whole method, in reading order. 1 is in `curves`, 2 in `trees`, 3 to 6 in `inference`, with its random
numbers in `multipliers`, 7 in `looks`; `judge` says what came out, `futility` how likely more images are to
decide what is undecided, `summaries` is about more than one claim.

1. *Data.* A quantity (any hashable key) has one curve per image: the image's samples averaged. The image
   is the unit, because questions on one image are not independent.
2. *Atoms.* A `Leaf` is a vector of atoms "theta > threshold" (or "<"), theta a function of mean curves.
3. *Noise.* Each mean curve is perturbed by random multipliers on the images' deviations from it; an
   image has the same multiplier in every quantity, window and task, so that pairing is respected. Theta
   is recomputed on the perturbed curves. Standard errors come from these draws once and stay fixed:
   re-estimating them in every draw gives quiet windows no variance and the test no power. The
   multipliers are 1 - Exp(1), whose third moment corrects for skewed effects; their sums are as wide as
   Student's t. An image's own ones depend on its id alone, so all claims share them.
4. *Pseudo-images.* Effects pile up at their bound, so rare strong responses can be absent from a sample.
   Two made-up images per quantity, one at either bound, stand for what was not seen. They add to the
   noise only, with a third of an image's skewness; estimates are plain means.
5. *Trees.* A statement is a tree of AND and OR over atoms. AND: every child at the full level
   (intersection-union). OR over atoms: one max-T. OR over larger trees: Bonferroni. At least m of n:
   partial conjunction (Benjamini and Heller 2008).
6. *Verdict.* SUPPORTED proves the tree, REFUTED proves its negation (De Morgan), each with an error of
   at most alpha; neither proven is INCONCLUSIVE.
7. *Looks.* The evidence is looked at up to three times, at a tenth, two tenths and seven tenths of alpha.

The error rates hold per claim, not for the catalogue; `false_discovery` adjusts over claims. The
thresholds of the claims and the minimum number of images are our own, not the paper's.
"""
