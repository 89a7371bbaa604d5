using Bitis;
using Bitis.Fuzz.Readers;
using SharpFuzz;

// One target of tests/fuzz-readers.sh: AFL++ starts this program and hands it one input after the other.
if (args is ["seeds", var golden, var folder])
{
    Seeds.Write(golden, folder);
    return 0;
}
if (args is not [var name, ..] || !Targets.All.TryGetValue(name, out Action<byte[]>? target))
{
    Console.Error.WriteLine($"usage: seeds GOLDEN FOLDER, or {string.Join(" | ", Targets.All.Keys)} [FILE...]");
    return 2;
}
if (args.Length > 1)
{
    foreach (string file in args[1..]) // what AFL++ has found, once more
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        long before = GC.GetTotalAllocatedBytes();
        byte[] input = File.ReadAllBytes(file);
        try
        {
            target(input);
        }
        catch (BitisException e)
        {
            Console.WriteLine(e.Message);
        }
        finally
        {
            Console.WriteLine($"{file}: {clock.ElapsedMilliseconds} ms, "
                + $"{(GC.GetTotalAllocatedBytes() - before) >> 20} MiB allocated for {input.Length} bytes");
        }
    }
    return 0;
}
Fuzzer.Run(stream =>
{
    using var memory = new MemoryStream();
    stream.CopyTo(memory);
    try
    {
        target(memory.ToArray());
    }
    catch (BitisException)
    {
        // An answer like any other.
    }
});
return 0;
