import { expect, it } from 'vitest';
import { parseGroupName } from '../../src/lib/core/group.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import {
  addMember,
  createGroup,
  deleteGroup,
  listGroups,
  removeMember,
  showGroup,
  updateGroup,
} from '../../src/lib/ops/groups.ts';
import { updateUser } from '../../src/lib/ops/users.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listUsers } from '../support/lists.ts';
import { addUser } from '../support/vpn.ts';

const [NICO, ANNA, BEAT] = [parseUsername('nico'), parseUsername('anna'), parseUsername('beat')];
const NAME = parseGroupName('Gletscher AG');
const member = (username: typeof NICO, isAdmin?: boolean) => ({ username, isAdmin });

describeDatabases('groups', (databases) => {
  async function world(): Promise<TestContext> {
    const context = await databases.context({ now: '2025-03-01' });
    for (const username of [NICO, ANNA, BEAT]) await addUser(context, username);
    await createGroup(context, { name: NAME, owner: NICO });
    return context;
  }

  it('are created once', async () => {
    const context = await world();
    const { group, created } = await createGroup(context, { name: NAME, owner: NICO });
    expect({ group, created }).toEqual({
      group: {
        id: 1,
        name: NAME,
        owner: NICO,
        isActive: true,
        directory: null,
        memberCount: 0,
        createdAt: context.now,
      },
      created: false,
    });
    await expect(createGroup(context, { name: NAME, owner: ANNA })).rejects.toMatchObject({
      code: 'GROUP_EXISTS',
    });
    const nobody = { name: parseGroupName('Other'), owner: parseUsername('nobody') };
    await expect(createGroup(context, nobody)).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
  });

  it('are renamed, given away and switched off', async () => {
    const context = await world();
    const [renamed, other] = [parseGroupName('Gletscher'), parseGroupName('Other')];
    await createGroup(context, { name: other, owner: ANNA });
    await expect(updateGroup(context, NAME, { name: other })).rejects.toMatchObject({ code: 'GROUP_EXISTS' });
    expect(await updateGroup(context, NAME, { owner: NICO, isActive: true })).toMatchObject({ changed: [] });
    const change = { name: renamed, owner: BEAT, isActive: false };
    expect((await updateGroup(context, NAME, change)).changed).toEqual(['name', 'owner', 'isActive']);
    expect((await showGroup(context, renamed)).group).toMatchObject(change);
    await expect(showGroup(context, NAME)).rejects.toMatchObject({ code: 'UNKNOWN_GROUP' });
  });

  it('have members, some of them administrators', async () => {
    const context = await world();
    expect(await addMember(context, NAME, member(BEAT))).toMatchObject({ changed: true });
    expect(await addMember(context, NAME, member(ANNA, true))).toMatchObject({ changed: true });
    expect(await addMember(context, NAME, member(ANNA))).toMatchObject({ changed: false });
    expect(await addMember(context, NAME, member(ANNA, true))).toMatchObject({ changed: false });
    expect((await showGroup(context, NAME)).members).toEqual([
      { username: ANNA, isAdmin: true },
      { username: BEAT, isAdmin: false },
    ]);
    expect(await addMember(context, NAME, member(ANNA, false))).toMatchObject({ changed: true });
    expect(await removeMember(context, NAME, BEAT)).toMatchObject({ changed: true });
    expect(await removeMember(context, NAME, BEAT)).toMatchObject({ changed: false });
    expect((await showGroup(context, NAME)).members).toEqual([{ username: ANNA, isAdmin: false }]);
  });

  it('are found by whom they concern', async () => {
    const context = await world();
    await addMember(context, NAME, member(BEAT));
    const names = async (filter: Partial<Parameters<typeof listGroups>[1]>) =>
      (await listGroups(context, { username: undefined, isActive: undefined, ...filter })).map(
        ({ name }) => name,
      );
    expect(await names({ username: NICO })).toEqual([NAME]);
    expect(await names({ username: BEAT })).toEqual([NAME]);
    expect(await names({ username: ANNA })).toEqual([]);
    expect(await names({ isActive: false })).toEqual([]);
  });

  it('are deleted, and their members stay', async () => {
    const context = await world();
    await addMember(context, NAME, member(BEAT));
    await deleteGroup(context, NAME);
    expect(await listGroups(context, { username: undefined, isActive: undefined })).toEqual([]);
    expect(await listUsers(context)).toHaveLength(3);
  });

  it('let their owner and their administrators change who belongs to them, and nobody else', async () => {
    const context = await world();
    const forbidden = { code: 'FORBIDDEN' };
    await expect(addMember(context.as('anna'), NAME, member(ANNA, true))).rejects.toMatchObject(forbidden);
    await addMember(context.as('nico'), NAME, member(ANNA));
    await expect(addMember(context.as('anna'), NAME, member(BEAT))).rejects.toMatchObject(forbidden);
    await addMember(context.as('nico'), NAME, member(ANNA, true));
    await addMember(context.as('anna'), NAME, member(BEAT));
    await expect(removeMember(context.as('beat'), NAME, BEAT)).rejects.toMatchObject(forbidden);
    await removeMember(context.as('anna'), NAME, BEAT);

    await updateGroup(context, NAME, { isActive: false });
    await expect(addMember(context.as('nico'), NAME, member(BEAT))).rejects.toMatchObject(forbidden);
    await updateUser(context, BEAT, { user: { isStaff: true }, address: {} });
    await addMember(context.as('beat'), NAME, member(BEAT));
    await updateUser(context, BEAT, { user: { isActive: false }, address: {} });
    await expect(removeMember(context.as('beat'), NAME, BEAT)).rejects.toMatchObject({
      code: 'USER_INACTIVE',
    });
  });
});
