namespace Bitis.Tests;

/// <summary>
/// Damages files at random, as fuzz tests need it: flips, other bytes, cuts, insertions, copies of other places.
/// </summary>
internal static class Mutation
{
    /// <summary>A damaged copy: one to four random changes.</summary>
    public static byte[] Of(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int round = random.Next(1, 5); round > 0 && bytes.Count > 0; round--)
        {
            int at = random.Next(bytes.Count);
            int length = Math.Min(random.Next(1, 17), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes[at] = (byte)(random.Next(2) * 0xFF); break;
                case 3: bytes.RemoveRange(at, random.Next(2) == 0 ? length : bytes.Count - at); break;
                case 4: bytes.InsertRange(at, Enumerable.Range(0, length).Select(_ => (byte)random.Next(256))); break;
                case 5: bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length)); break;
                default: // another place of the original over this one
                    for (int i = 0, from = random.Next(original.Length); i < length && from + i < original.Length; i++)
                        bytes[at + i] = original[from + i];
                    break;
            }
        }
        return [.. bytes];
    }
}
