// The fake spawner keeps the same contract as the real one, so what is tested with it means something.
import { spawnerContract } from './spawner-contract.ts';
import { FakeSpawner } from './testing.ts';

spawnerContract('the fake spawner', async () => {
  const spawner = new FakeSpawner();
  return { spawner, kill: async (sandbox) => spawner.kill(sandbox.id, 'exited') };
});
