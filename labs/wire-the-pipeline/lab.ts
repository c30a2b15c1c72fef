// A first sketch of this lab, until its author's own is here.
const check = (id: string, title: string) => ({ id, title, needs: [], cost: 'inspect', exclusive: [], disruptive: false, timeoutMs: 5000 });
export default {
  id: 'wire-the-pipeline', title: 'Wire the pipeline', goal: 'An image that rebuilds in seconds, carries nothing it should not, and runs without root.', minutes: 40, lesson: 'networks-dns-and-ports', images: ['python:3.13-slim'],
  tasks: [
    { id: 'runs', title: 'An image that runs', points: 2, hints: ['a','b','c'], checks: [check('image.runs','etl:dev prints the row count'), check('image.exit','It ends with exit code 0')] },
    { id: 'cache', title: 'A change of code does not install again', points: 3, hints: ['a','b','c'], checks: [check('cache.code','Editing main.py leaves the install step cached'), check('cache.packages','Editing requirements.txt runs it again')] },
    { id: 'rights', title: 'No root', points: 2, hints: ['a','b','c'], checks: [check('image.non-root','The container runs as uid 10001')] },
  ], mutants: [],
};
