using Bitis.Execution.Planning;

namespace Bitis.Tests.Runtime;

public sealed class ArenaPlannerTests
{
    [Fact]
    public void Blocks_that_are_alive_together_do_not_overlap_and_others_share_bytes()
    {
        var random = new Random(3);
        ArenaBlock[] blocks = new ArenaBlock[200];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = Block(random.Next(1, 1000), random.Next(100), random.Next(1, 20));
        ArenaLayout layout = ArenaPlanner.Place(blocks);
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(i, blocks[i].Index);
            Assert.InRange(blocks[i].Offset + blocks[i].Bytes, 1, layout.Bytes);
            for (int j = 0; j < i; j++)
            {
                ArenaBlock a = blocks[i], b = blocks[j];
                Assert.True(!a.OverlapsInTime(b) || a.Offset + a.Bytes <= b.Offset || b.Offset + b.Bytes <= a.Offset);
            }
        }
        Assert.InRange(layout.Bytes, 1, blocks.Sum(block => block.Bytes) / 2);
    }

    /// <summary>A training of a deep model has tens of thousands of blocks that are all alive at its middle.</summary>
    [Fact]
    public void Many_blocks_that_are_alive_together_take_memory_in_proportion()
    {
        ArenaBlock[] blocks = [.. Enumerable.Range(0, 4000).Select(i => Block(64, i, 8000 - (2 * i)))];
        long before = GC.GetAllocatedBytesForCurrentThread();
        ArenaPlanner.Place(blocks);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static ArenaBlock Block(long bytes, int first, int length)
    {
        var block = new ArenaBlock(bytes);
        block.Touch(first);
        block.Touch(first + length);
        return block;
    }
}
